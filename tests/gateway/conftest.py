from __future__ import annotations

# pytest finds a fixture by its name in a conftest: these are the store's own.
from tests.gateway.store.conftest import empty_database, engine, path, shared_engine

__all__ = ["empty_database", "engine", "path", "shared_engine"]
