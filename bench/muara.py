"""Muara's side: new data folders with accounts in them, and the commands that fetch those."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from bench.trips import Outcome, Peer, Trip, expect, run
from tests.servers.postgres import Postgres

MANAGE = (sys.executable, "manage.py")
FETCHED_FROM = "pop.example.org:995"


@dataclass(frozen=True)
class Store:
    """A data folder and its database; ``ids`` are the accounts' by their user names."""

    folder: Path
    database_url: str
    ids: Mapping[str, str]

    def environment(self, trip: Trip) -> dict[str, str]:
        """Return what the program is told: where its data lies and where the server is."""
        return environment(self.folder, self.database_url) | {
            "MUARA_CONNECT_TO": f"{FETCHED_FROM}=127.0.0.1:{trip.port}",
            "SSL_CERT_FILE": trip.authority,
        }


@dataclass
class Stores:
    """Makes stores; what takes long is done once and copied."""

    folder: Path
    postgres: Callable[[], Postgres]
    _made: dict[tuple[str, str], Store] = field(default_factory=dict)

    def new(self, folder: Path, users: Mapping[str, str], database: str = "sqlite") -> Store:
        """Make a store on "sqlite" or "postgresql", with accounts and their users at the server."""
        key = database, json.dumps(users)
        if key not in self._made:
            self._made[key] = self._make(f"{database}{len(self._made)}", *key)
        model = self._made[key]
        shutil.copytree(model.folder, folder)
        url = self._copied(model, folder.name) if model.database_url else ""
        return Store(folder, url, model.ids)

    def _make(self, name: str, database: str, users: str) -> Store:
        folder = self.folder / name
        url = self.postgres().create_database(f"model_{name}") if database != "sqlite" else ""
        where = environment(folder, url)
        folder.mkdir()
        run([*MANAGE, "migrate", "--verbosity", "0"], where)
        made = run([sys.executable, "-m", "bench.people"], where, words=users)
        return Store(folder, url, json.loads(made.said))

    def _copied(self, model: Store, name: str) -> str:
        server, old = self.postgres(), model.database_url.rpartition("/")[2]
        new, old_name = sql.Identifier(name), sql.Identifier(old)
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(new))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(new, old_name))
        return server.url(name)


def environment(folder: Path, database_url: str) -> dict[str, str]:
    """Return what any command of the program is told; nothing of the operator's own."""
    blank = {name: "" for name in os.environ if name.startswith("MUARA_")}
    return blank | {
        "MUARA_ENV_FILE": os.devnull,
        "MUARA_DATA": str(folder),
        "MUARA_DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "aggregator.settings",
    }


def fetching(stores: Stores, database: str = "sqlite") -> Peer:
    """Return Muara as a program that fetches one mailbox into a new store."""

    def fetch(trip: Trip) -> Outcome:
        store = stores.new(trip.folder / "data", {trip.box.user: trip.box.user}, database)
        return fetch_into(store, trip)

    return fetch


def fetch_into(store: Store, trip: Trip) -> Outcome:
    """Fetch a mailbox into a store; all of it must be there and found afterwards."""
    where = store.environment(trip)
    facts = json.loads(run([*MANAGE, "benchfetch", store.ids[trip.box.user]], where).said)
    expect(facts["stored"], trip.box, "Muara")
    expect(count_found(where), trip.box, "Muara's search")
    return Outcome(facts["wall_s"], facts["cpu_s"], facts)


def count_found(where: Mapping[str, str]) -> int:
    """Count the letters that everybody together finds by searching for the common word."""
    return int(run([sys.executable, "-m", "bench.look", "count"], where).said)
