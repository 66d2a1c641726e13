"""What a report is made of: tables, pages, figures, film strips."""
