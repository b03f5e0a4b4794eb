"""Does adapting weights pay: to devices in training, to one recording, to a lab of one's own?"""
