"""Which addresses are public: a mail server found anywhere else is not one we may talk to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from wire.guard import Guard, Network

Address = IPv4Address | IPv6Address

# Named one by one because ``is_global`` differs between Python's versions, and because some of
# these count as global: multicast, the relays of 6to4, and Azure's 168.63.129.16.
FORBIDDEN: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
# All other IPv6 is local, multicast, or a wrapping of IPv4: mapped, compatible, NAT64 (RFC 6890).
PUBLIC_IPV6 = ip_network("2000::/3")


def is_allowed(text: str, guard: Guard) -> bool:
    """Tell whether an address may be dialled: it is public, or the operator made an exception."""
    address = ip_address(text)
    return _is_public(address) or any(address in network for network in guard.allow_networks)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in PUBLIC_IPV6:
        return False
    return address.is_global and not any(address in network for network in FORBIDDEN)
