"""Examples as the network sees them, dealt out in batches."""
