"""What administrators allow a person: every plan and policy may only forbid, and the first wins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db.models import prefetch_related_objects

from accounts import quotas
from accounts.models import ExternalAccount, GroupPolicy, Plan, State, User
from accounts.models.policy import host_name
from accounts.refusals import AccountRefused
from wire.endpoint import Endpoint, Protocol, Security

OUTSIDE, PLAIN, DELETE = "policy.outside", "policy.plain", "policy.delete"
RELAY = "policy.relay"
HOST, PORT, ACCOUNTS = "policy.host", "policy.port", "policy.accounts"
# The recommended one first.
PROTOCOLS = {Protocol.IMAP: "policy.imap", Protocol.POP3: "policy.pop3"}
COLUMNS = {
    OUTSIDE: "allow_outside",
    PROTOCOLS[Protocol.POP3]: "allow_pop3",
    PROTOCOLS[Protocol.IMAP]: "allow_imap",
    PLAIN: "allow_plain",
    DELETE: "allow_delete",
    RELAY: "allow_relay",
}
BLOCKED = "policy."


@dataclass(frozen=True, slots=True)
class Rule:
    """What one plan or policy says: ``by`` is "plan" or "policy", ``name`` how it is called.

    ``forbidden`` holds the codes of what it forbids as such. Where ``only_hosts`` or ``only_ports``
    are empty, all are allowed.
    """

    by: str
    name: str
    forbidden: frozenset[str] = frozenset()
    only_hosts: frozenset[str] = frozenset()
    no_hosts: frozenset[str] = frozenset()
    only_ports: frozenset[int] = frozenset()
    max_accounts: int | None = None

    def grounds(self, protocol: Protocol, server: Endpoint) -> Iterator[str]:
        """Yield the codes of all that this rule has against fetching or sending in such a way."""
        wanted = [OUTSIDE, PROTOCOLS.get(protocol), PLAIN if _is_plain(server) else None]
        yield from (code for code in wanted if code in self.forbidden)
        if not self._allows_host(server.host):
            yield HOST
        if self.only_ports and server.port not in self.only_ports:
            yield PORT

    def _allows_host(self, host: str) -> bool:
        if not (self.only_hosts or self.no_hosts):
            return True
        names = frozenset(_with_parents(host))
        return names.isdisjoint(self.no_hosts) and not (
            self.only_hosts and names.isdisjoint(self.only_hosts)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules that hold for a person, the plan's first: what none forbids is allowed."""

    rules: tuple[Rule, ...]

    def allows(self, code: str) -> bool:
        """Tell whether no rule forbids a thing as such, such as ``PLAIN`` or ``DELETE``."""
        return self.against(code) is None

    def against(self, code: str) -> AccountRefused | None:
        """Return what names the first rule that forbids a thing as such, if one does."""
        rule = next((rule for rule in self.rules if code in rule.forbidden), None)
        return _refusal(code, rule) if rule else None

    def objections(self, protocol: Protocol, server: Endpoint) -> list[AccountRefused]:
        """Return all that stands against a server, each ground with the first rule that has it."""
        found: dict[str, Rule] = {}
        for rule in self.rules:
            for code in rule.grounds(protocol, server):
                found.setdefault(code, rule)
        facts: dict[str, str | int] = {"host": server.host, "port": server.port}
        return [_refusal(code, rule, **facts) for code, rule in found.items()]

    def check(self, protocol: Protocol, server: Endpoint) -> None:
        """Raise AccountRefused where anything stands against a server."""
        for objection in self.objections(protocol, server):
            raise objection

    def check_number(self, have: int) -> None:
        """Raise AccountRefused where whoever has so many accounts may add no other."""
        if objection := self.against(OUTSIDE):
            raise objection
        limits = [(rule.max_accounts, rule) for rule in self.rules if rule.max_accounts is not None]
        limit, strictest = min(limits, key=lambda pair: pair[0], default=(None, None))
        if limit is not None and strictest and have >= limit:
            raise _refusal(ACCOUNTS, strictest, limit=limit)


def policy_of(owner: User) -> Policy:
    """Return what holds for a person: their plan, and the policies of their groups by name."""
    prefetch_related_objects([owner], "groups__policy")
    plan = quotas.plan_of(owner)
    groups = sorted(owner.groups.all(), key=lambda group: group.name)
    policies = [group.policy for group in groups if hasattr(group, "policy")]
    return Policy((_rule("plan", plan.name, plan), *(_policy_rule(one) for one in policies)))


def check_account(account: ExternalAccount) -> None:
    """Raise AccountRefused where an account may not be visited any more."""
    incoming = account.incoming
    policy_of(account.owner).check(Protocol(incoming.protocol), incoming.endpoint())


def look_again(now: datetime) -> int:
    """Make due at once the accounts that a changed policy blocks or frees. Count them."""
    active = ExternalAccount.objects.filter(state=State.ACTIVE)
    related = active.select_related("owner__plan", "incoming")
    accounts = list(related.prefetch_related("owner__groups__policy"))
    quotas.give_default_plan(account.owner for account in accounts)
    changed = [one.pk for one in accounts if _is_refused(one) != one.last_code.startswith(BLOCKED)]
    return active.filter(pk__in=changed).update(next_fetch_at=now)


def _is_refused(account: ExternalAccount) -> bool:
    try:
        check_account(account)
    except AccountRefused:
        return True
    return False


def _policy_rule(policy: GroupPolicy) -> Rule:
    return _rule("policy", policy.group.name, policy)


def _rule(by: str, name: str, said: Plan | GroupPolicy) -> Rule:
    return Rule(
        by=by,
        name=name,
        forbidden=frozenset(code for code, column in COLUMNS.items() if not getattr(said, column)),
        only_hosts=said.allowed_names,
        no_hosts=said.denied_names,
        only_ports=said.port_numbers,
        max_accounts=said.max_accounts,
    )


def _refusal(code: str, rule: Rule, **facts: str | int) -> AccountRefused:
    return AccountRefused(code, detail="", by=rule.by, rule=rule.name, **facts)


def _is_plain(server: Endpoint) -> bool:
    return server.security is Security.PLAIN


def _with_parents(host: str) -> Iterable[str]:
    """Yield a name and every domain that it lies in, as rules spell them."""
    try:
        labels = host_name(host).split(".")
    except ValidationError:
        return [host.lower()]
    return [".".join(labels[place:]) for place in range(len(labels))]
