"""How much worse is a model in a lab, or with a device, that its training has not met?"""
