import unittest

from units import metres
from units.old import OLD
from units.table import METRES


class Units(unittest.TestCase):
    def test_a_foot_is_twelve_inches(self):
        self.assertAlmostEqual(metres(1, "foot"), metres(12, "inch"))

    def test_every_unit_is_longer_than_nothing(self):
        self.assertTrue(all(length > 0 for length in {**OLD, **METRES}.values()))

    def test_units_stand_in_the_order_of_their_names(self):
        for table in (OLD, METRES):
            self.assertEqual(list(table), sorted(table))
