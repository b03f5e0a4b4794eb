"""What it takes to clean on a wearable: size, multiply-adds, estimated power, and what it costs in
error to make the network small."""
