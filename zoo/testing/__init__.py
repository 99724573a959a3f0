"""The conformance kit: what the entries of a plugin owe, checked one by one.

In a plugin's own tests:

    import zoo.testing

    @zoo.testing.parametrize("my-plugin")
    def test_conforms(check):
        check.run()

or `ganzoo plugins check my-plugin`, which prints the same as a table.
"""

from zoo.testing.kit import Check, NotApplicable, Result, check_plugin, checks_of, parametrize

__all__ = ["Check", "NotApplicable", "Result", "check_plugin", "checks_of", "parametrize"]
