from __future__ import annotations

import pytest

from gateway.routing import carriers_of, find
from gateway.settings import Route

ROUTES = (
    Route("bank", "8613", ("north", "south")),
    Route("bank", "", ("south",)),
    Route(None, "86", ("north",)),
    Route("shop", "1", ("west",)),
)


@pytest.mark.parametrize(
    ("account", "destination_addr", "route"),
    [
        pytest.param("bank", "8613800138000", "north,south", id="account and prefix"),
        pytest.param("bank", "8615900138000", "south", id="the next that matches"),
        pytest.param("shop", "8613800138000", "north", id="a route for everybody"),
        pytest.param("shop", "15551234567", "west", id="a prefix of its own"),
        pytest.param("shop", "4420", None, id="no prefix matches"),
        pytest.param("else", "15551234567", None, id="another account's route"),
        pytest.param("shop", "8", None, id="a number shorter than the prefix"),
    ],
)
def test_the_first_route_that_matches_is_taken(
    account: str, destination_addr: str, route: str | None
) -> None:
    assert find(ROUTES, account, destination_addr) == route


def test_the_order_of_the_routes_decides_and_not_the_length_of_the_prefix() -> None:
    assert find((Route(None, "", ("any",)), *ROUTES), "bank", "8613800138000") == "any"


def test_without_routes_there_is_no_way() -> None:
    assert find((), "bank", "8613800138000") is None


@pytest.mark.parametrize("carriers", [("north",), ("north", "south"), ("south", "north", "west")])
def test_a_stored_route_gives_its_carriers_back_in_order(carriers: tuple[str, ...]) -> None:
    route = find((Route(None, "", carriers),), "bank", "1")
    assert route is not None
    assert carriers_of(route) == list(carriers)
