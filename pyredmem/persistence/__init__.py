"""What survives the end of the process: RDB files, which hold the dataset of one moment."""
