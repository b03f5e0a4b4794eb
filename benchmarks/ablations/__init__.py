"""What does each part of the joint model, and of its training windows, bring?"""
