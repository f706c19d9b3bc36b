"""How well people are counted: simulated sessions of 1 to 60 people, from 30 seconds to an hour.

``session_plan`` says what a session is to be, ``turn_taking`` draws who talks when (its ``turns``),
``session`` makes its sound, ``session_set`` a folder of them; ``measurement`` runs systems on the
sessions, ``summary`` pools what they found, ``calibration`` compares the posterior of counts with
the truth, ``tables`` and ``plot`` show it.
"""
