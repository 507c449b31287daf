"""The care of the data: is it whole, how is it copied and brought back, what does a server do."""
