"""Simulated conversations: real speech laid on real turn-taking, in rooms, with noise.

``settings`` says how they are drawn, ``templates`` draws turn-taking, ``voices`` makes speech
dense, ``rooms`` simulates rooms, ``conversation`` makes one conversation of it all, ``writing``
puts it in a folder, ``statistics`` says what a folder holds.
"""
