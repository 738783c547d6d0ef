"""What runs came to: predictions, outcomes, comparisons, lists."""
