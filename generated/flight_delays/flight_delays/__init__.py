"""Which flights will arrive late?"""
