"""Does adaptation to labs, devices and recordings pay?"""
