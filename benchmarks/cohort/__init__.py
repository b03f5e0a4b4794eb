"""Whole studies: does nothing get lost, is nothing done twice, and what does a recording cost?"""
