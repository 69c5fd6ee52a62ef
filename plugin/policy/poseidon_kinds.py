"""The kinds of what Poseidon does wrong with its rules, each in words. Pure.

Of releases 0.17 and 0.18, as their source stands; docs/poseidon-rules.md says how each was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Effect = Literal["stops", "never", "wrong", "risk"]
EFFECTS: Mapping[Effect, str] = {
    "stops": "Poseidon, its update of ACLs or Faucet's reading of them ends",
    "never": "nothing happens",
    "wrong": "something else happens than is written",
    "risk": "it may do harm, depending on the rest",
}


class Kind(NamedTuple):
    """A kind of finding."""

    effect: Effect
    text: str
    """With ``{words}`` of the file."""


ALWAYS = ("no-acls-in", "order", "kept-acl", "whole-port", "not-again")
"""What goes wrong with whatever rule names an ACL."""
KINDS: Mapping[str, Kind] = {
    "form": Kind("wrong", "{problem}; Poseidon does not check that"),
    "two-includes": Kind(
        "wrong",
        "with several files under include each copy in Faucet's folder may get what the last one"
        " holds: put all ACLs into one file",
    ),
    "own-name": Kind(
        "wrong",
        "names that begin with poseidon are those of Poseidon's own copies, which it takes out of"
        " Faucet's include again: call it otherwise",
    ),
    "include-name": Kind(
        "stops",
        "faucetconfrpc refuses such a name: letters, digits, . and _ only, with .yaml at the end,"
        " not {name}",
    ),
    "stale-copy": Kind(
        "wrong",
        "a copy that is in Faucet's folder already may stay as it is when this file changes:"
        " look at poseidon_{name} there",
    ),
    "no-acls-in": Kind(
        "never",
        "a port without acls_in in faucet.yaml never gets one: give each port that these rules are"
        " for an ACL that allows all",
    ),
    "order": Kind(
        "risk",
        "acls_in is put together in no order, and its first rule that matches decides: these ACLs"
        " may stand behind one that allows all, or before others of yours",
    ),
    "kept-acl": Kind(
        "stops",
        "the next update of a port whose ACL is to stay ends in a TypeError: it looks for the ACL"
        " in a list that is not there",
    ),
    "whole-port": Kind(
        "risk",
        "an ACL is the whole port's: who else is there shares it; and it has no end, no approval,"
        " no trial and no record",
    ),
    "not-again": Kind(
        "wrong",
        "rules are looked at when a device is new or has changed, not when its role or its system"
        " becomes known",
    ),
    "no-entries": Kind("wrong", "asks nothing: every device is as it asks"),
    "no-rule": Kind(
        "stops", "an entry without rule: ends every update, of all rules, in a KeyError"
    ),
    "no-acls": Kind(
        "stops", "an entry without acls: ends every update, of all rules, in a KeyError"
    ),
    "no-value": Kind("stops", "an entry without value: is compared all the same: a KeyError"),
    "letters": Kind(
        "stops",
        "acls without [ ] is taken letter by letter: Faucet knows no such ACLs and refuses its"
        " whole configuration",
    ),
    "not-text": Kind(
        "never",
        "for YAML this is no text (a number, yes or no), and no role and no system equals it: put"
        " it in quotes",
    ),
    "no-key": Kind(
        "never",
        "an entry without device_key never holds: the rule applies to nobody but by update_acls,"
        " which no command sends",
    ),
    "unknown-key": Kind("never", "no device has a {name}: os or role; the rule never applies"),
    "os-never": Kind(
        "never", "a rule on the os never applies: it is looked for where Poseidon keeps nothing"
    ),
    "role-stops": Kind(
        "stops",
        "as soon as a device has a role, a rule on roles ends Poseidon's main loop in a"
        " ValueError: it takes the first word of a result, uid, for a time",
    ),
    "confidence": Kind(
        "wrong", "min_confidence is not looked at: it is looked for in the value's own text"
    ),
    "likeliest-three": Kind(
        "wrong", "any of the three likeliest roles counts, not the likeliest alone"
    ),
    "label": Kind(
        "never", "roles are compared letter by letter, and NetworkML's model has no {name}{near}"
    ),
    "two-roles": Kind(
        "wrong",
        "all entries must hold: {first} and {second} hold only where both are among the three"
        " likeliest roles: make two rules of it",
    ),
    "two-systems": Kind(
        "never",
        "all entries must hold, and a device with one address has one system, not {first} and"
        " {second}: make two rules of it",
    ),
    "unknown-acl": Kind(
        "risk",
        "{name} is not in {file}: if faucet.yaml has none either, Faucet refuses its whole"
        " configuration, and every later change by faucetconfrpc fails",
    ),
    "empty-acl": Kind(
        "stops", "acls.{name}: without rules: Faucet refuses its whole configuration"
    ),
    "allows-all": Kind(
        "risk",
        "acls.{name}: ends with a rule that allows all: where it comes to stand before other ACLs"
        " of a port, it takes them out of force",
    ),
}
