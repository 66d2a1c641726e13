"""Live recognition measured: delay, load, events, outages, endurance."""
