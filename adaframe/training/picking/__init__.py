"""What a run picks by itself where nobody says: recipe, head penalty, what a budget counts, and how long it will take."""
