"""Random small plans as case files: a base that is short of something, and rules turned on by name.

Every rule draws from a stream of its own, so a case with a rule is the base with that rule added,
and what the rule costs can be told by solving both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from yieldopt.read.spread import least_share

Draw = np.random.Generator
Table = dict[str, Any]

# Product: die fills, memory fills, sides, substrate, about what a good package costs [USD].
KINDS: dict[str, tuple[str, str, list[float], str, list[float], float]] = {
    "asic": ('[{part = "tpu_die"}]', '[{part = "hbm3e_8h", count = 4}]',
             [32.0, 44.0], "abf_68", [68.5, 68.5], 2300.0),
    "switch": ('[{part = "switch_die"}]', "[]", [30.0, 36.0], "abf_ai_gpu", [60.0, 60.0], 1020.0),
    "twin": ('[{part = "io_die", count = 2}, {part = "switch_die"}]',
             '[{part = "hbm3_8h", count = 2}]', [40.0, 44.0], "abf_68", [68.5, 68.5], 1750.0),
}  # fmt: skip
DIES = {"asic": ["tpu_die"], "switch": ["switch_die"], "twin": ["switch_die", "io_die"]}
# About what a good package takes, to size what there is; the interposer's is that of any route.
TAKES: dict[str, dict[str, float]] = {
    "asic": {"interposer": 0.033, "tester.ft_h": 0.079, "tester.slt_h": 0.15, "tester.cp_h": 0.058,
             "wafer.n5": 0.020},
    "switch": {"interposer": 0.0235, "tester.ft_h": 0.079, "tester.slt_h": 0.15,
               "tester.cp_h": 0.059, "wafer.n5": 0.0234},
    "twin": {"interposer": 0.043, "tester.ft_h": 0.080, "tester.slt_h": 0.15, "tester.cp_h": 0.15,
             "wafer.n5": 0.0245},
}  # fmt: skip
ROUTES = {  # and the sites they run at
    "cowos_s": ("tsmc_ap_taiwan", "Taiwan"),
    "osat_2p5d": ("ase_spil_taiwan", "Taiwan"),
    "i_cube": ("samsung_korea", "other Asia-Pacific"),
    "osat_2p5d_amkor": ("amkor_korea", "other Asia-Pacific"),
}
ALSO = {"osat_2p5d": [("tsmc_ap_taiwan", "Taiwan")]}  # where its interposers come from
SOURCE = "assumed: a test"
SHARES = ("line", "route", "site", "region", "vendor", "each")


@dataclass
class Draft:
    """A case in the making."""

    case: Table
    products: list[Table]
    resources: list[Table]
    override: dict[str, Table] = field(default_factory=dict)  # routes, by name
    tables: dict[str, list[Table]] = field(default_factory=dict)

    @property
    def periods(self) -> int:
        return len(self.case["periods"])

    def add(self, kind: str, **keys: Any) -> None:
        """Add an entry of a list of tables."""
        self.tables.setdefault(kind, []).append({**keys, "source": SOURCE})

    def need(self, resource: str, t: int) -> float:
        """About what all demand of a period would take of a resource."""
        route = resource.removeprefix("interposer.")
        return sum(
            product["demand"][t] * TAKES[product["name"]][resource.split(".")[0]
                if route != resource else resource]
            for product in self.products
            if route == resource or route in product["routes"]
        )  # fmt: skip

    def worth(self, resource: str) -> float:
        """About what one more unit of a resource could save."""
        key = "interposer" if resource.startswith("interposer") else resource
        return min(0.5 * KINDS[p["name"]][5] / TAKES[p["name"]][key] for p in self.products)


def random_case(seed: int, rules: frozenset[str] | set[str] = frozenset()) -> str:
    """Return a case file; ``rules`` are names of :data:`RULES`.

    Examples
    --------
    >>> "holding_usd_per_period" in random_case(0, {"stock"})
    True
    >>> "holding_usd_per_period" in random_case(0)
    False
    """
    draft = _base(np.random.default_rng([seed, 11]), seed)
    assert set(rules) <= set(RULES), set(rules) - set(RULES)
    for at, (name, apply) in enumerate(RULES.items()):
        if name in rules:
            apply(draft, np.random.default_rng([seed, 12, at]))
    return _text(draft)


def _base(rng: Draw, seed: int) -> Draft:
    periods = int(rng.integers(2, 5))
    names = rng.permutation(list(KINDS))[: int(rng.integers(2, 4))]
    case = {"name": f"plan_{seed}", "periods": [f"q{t + 1}" for t in range(periods)],
            "insertions": ["wafer_sort", "final_test", "system_level"]}  # fmt: skip
    pool = [str(route) for route in rng.permutation(list(ROUTES))[: int(rng.integers(2, 4))]]
    products = [_product(str(name), rng, periods, pool) for name in names]
    draft = Draft(case, products, [])
    routes = list(dict.fromkeys(route for product in products for route in product["routes"]))
    wafers = [f"interposer.{route}" for route in routes]
    others = ["tester.ft_h", "tester.slt_h", "tester.cp_h", "wafer.n5"]
    for name in [*wafers, *rng.permutation(others)[:1]]:
        part = rng.uniform(0.2, 0.6) if name in wafers else rng.uniform(0.4, 0.9)
        amounts = [_round(part * rng.uniform(0.7, 1.3) * draft.need(str(name), t))
                   for t in range(periods)]  # fmt: skip
        draft.resources.append({"name": str(name), "source": SOURCE, "capacity": amounts})
    return draft


def _product(name: str, rng: Draw, periods: int, pool: list[str]) -> Table:
    routes = [str(r) for r in rng.permutation(pool)[: int(rng.integers(2, len(pool) + 1))]]
    levels = {f"{die}/wafer_sort": _some(rng, ["p80", "p94", "p97"], 2 if at == 0 else 1)
              for at, die in enumerate(DIES[name])}  # fmt: skip
    levels["package/final_test"] = _some(rng, ["f990", "f995", "f999", "f9995"], 3)
    levels["package/system_level"] = ["off", *_some(rng, ["s90", "s94", "s98"], 1)]
    out: Table = {"name": name, "routes": routes, "interposer_mm": KINDS[name][2],
                  "substrate_mm": KINDS[name][4], "levels": levels}  # fmt: skip
    if rng.random() < 0.7:
        out["dppm_limit"] = _round(rng.uniform(1500.0, 4000.0))
    else:
        out["escape_cost_usd"] = _round(rng.uniform(3000.0, 30000.0))
    out["demand"] = [int(n) for n in rng.integers(100, 900, periods)]
    out["shortage_cost_usd"] = _round(KINDS[name][5] * rng.uniform(1.1, 2.5))
    if rng.random() < 0.3:
        out["volume"] = int(rng.integers(200_000, 900_000))
    return out


def _some(rng: Draw, names: list[str], count: int) -> list[str]:
    return sorted(str(name) for name in rng.permutation(names)[:count])


def _round(value: float) -> float:
    return float(f"{value:.4g}")


# The rules.


def _stock(draft: Draft, rng: Draw) -> None:
    for product in draft.products:
        product["holding_usd_per_period"] = _round(rng.uniform(5.0, 60.0))
        if rng.random() < 0.5:
            product["stock_start_packages"] = int(rng.integers(10, 100))
        if rng.random() < 0.5:
            product["stock_most_packages"] = int(rng.integers(100, 300))
        product["demand"] = sorted(product["demand"])  # a ramp


def _late(draft: Draft, rng: Draw) -> None:
    for product in draft.products:
        product["late_usd_per_period"] = _round(rng.uniform(20.0, 300.0))
        product["demand"] = sorted(product["demand"], reverse=True)


def _service(draft: Draft, rng: Draw) -> None:
    """Not to make is cheaper than to make, or free; the service level asks for it."""
    for product in draft.products:
        product["service_frac"] = _round(rng.uniform(0.2, 0.6))
        if rng.random() < 0.5:
            del product["shortage_cost_usd"]
        else:
            product["shortage_cost_usd"] = _round(KINDS[product["name"]][5] * rng.uniform(0.5, 0.9))


def _lumps(draft: Draft, rng: Draw) -> None:
    for at, held in enumerate(draft.resources[: int(rng.integers(1, 3))]):
        amount = _round(rng.uniform(0.15, 0.6) * float(np.mean(held["capacity"])))
        worth = amount * draft.periods * draft.worth(held["name"])
        running = _round(worth * rng.uniform(0.0, 0.05))
        draft.add(
            "expansions",
            name=f"lump_{at}",
            resource=held["name"],
            amount_per_period=amount,
            running_usd_per_period=running,
            cost_usd=_round(worth * rng.uniform(0.05, 0.5)),
            most=int(rng.integers(1, 4)),
            lead_time_periods=int(rng.integers(0, 2)),
        )


def _bookings(draft: Draft, rng: Draw) -> None:
    """Offers that a falling demand may leave untaken."""
    for at, held in enumerate(draft.resources[: int(rng.integers(1, 3))]):
        offered = [_round(rng.uniform(0.2, 1.0) * n) for n in held["capacity"]]
        worth = draft.worth(held["name"])
        draft.add("reservations", name=f"offer_{at}", resource=held["name"], capacity=offered,
                  prepayment_usd_per_unit=_round(worth * rng.uniform(0.0, 0.5)),
                  take_or_pay_frac=_round(rng.uniform(0.4, 1.0)),
                  usd_per_unit_not_taken=_round(worth * rng.uniform(0.2, 0.8)),
                  committed=bool(rng.random() < 0.4))  # fmt: skip
    for product in draft.products:
        product["demand"][-1] = max(1, product["demand"][-1] // 3)


def _qualification(draft: Draft, rng: Draw) -> None:
    for product in draft.products:
        lines = _lines_of(draft, product)
        product["qualified"] = [str(n) for n in rng.permutation(lines)[: int(rng.integers(0, 2))]]
        product.pop("volume", None)
        if rng.random() < 0.5:
            product["present_route"] = str(rng.choice(list(ROUTES)))
        for name in product["routes"]:
            spend = sum(product["demand"]) * KINDS[product["name"]][5]
            draft.override[name] = {
                "one_off_cost_usd": _round(spend * rng.uniform(0.01, 0.15)),
                "port_cost_usd": _round(spend * rng.uniform(0.0, 0.1)),
                "exit_cost_usd": _round(spend * rng.uniform(0.0, 0.1)),
                "lead_time_weeks": float(rng.choice([0.0, 6.5, 13.0, 14.0])),
            }


def _lines_of(draft: Draft, product: Table) -> list[str]:
    """Lines that the product can use."""
    return list(_places_of(draft, product))


def _places_of(draft: Draft, product: Table) -> dict[str, dict[str, set[str]]]:
    """Where what each line of a product makes is counted, by kind."""
    given = [line for line in draft.tables.get("lines", ()) if line["route"] in product["routes"]]
    bare = set(product["routes"]) - {line["route"] for line in given}
    lines = [{"name": name, "route": name} for name in product["routes"] if name in bare]
    found = {}
    for line in [*lines, *given]:
        home = [ROUTES[line["route"]], *ALSO.get(line["route"], [])]
        sites = line.get("sites") or [{"name": name, "region": region} for name, region in home]
        slots = f"interposer.{line['route']}"
        drawn = line.get("resources", {}).get(slots, slots)
        found[line["name"]] = {
            "line": {line["name"]}, "route": {line["route"]},
            "site": {site["name"] for site in sites}, "region": {site["region"] for site in sites},
            "vendor": {held["vendor"] for held in draft.resources
                       if "vendor" in held and held["name"] == drawn},
        }  # fmt: skip
    barred = set(product.get("barred_regions", ()))
    return {name: own for name, own in found.items() if not own["region"] & barred}


def _lots(draft: Draft, rng: Draw) -> None:
    for product in draft.products:
        mean = float(np.mean(product["demand"]))
        product["least_lot_packages"] = int(mean * rng.uniform(0.3, 0.8)) + 1


def _one_programme(draft: Draft, rng: Draw) -> None:
    """The more levels, the more there is to mix."""
    for product in draft.products:
        product["one_programme"] = True


def _shares(draft: Draft, rng: Draw) -> None:
    _share(draft, rng, str(rng.choice(SHARES)))


def _share(draft: Draft, rng: Draw, kind: str) -> None:
    product = draft.products[int(rng.integers(len(draft.products)))]
    keys: Table = {
        "name": f"share_{len(draft.tables.get('shares', ()))}",
        "per": str(rng.choice(["horizon", "period"])),
    }
    barred = product.get("barred_regions", ())
    route = str(rng.choice([r for r in product["routes"] if ROUTES[r][1] not in barred]))
    names = {"route": route, "line": str(rng.choice(_lines_of(draft, product))),
             "site": ROUTES[route][0], "region": ROUTES[route][1], "vendor": "one",
             "each": str(rng.choice(["line", "route", "site", "region"]))}  # fmt: skip
    keys[kind] = names[kind]
    if kind == "vendor":
        product = _vendor(draft)
    if kind == "each":
        keys |= _each(draft, keys["each"], _round(rng.uniform(0.4, 0.7)), product)
    elif rng.random() < 0.5 and (parted := _parted(draft, product, kind, keys[kind])):
        keys |= {kind: parted[1], "product": parted[0]["name"]}
        keys["most_frac"] = _round(rng.uniform(0.05, 0.3))
    else:
        keys |= {"product": product["name"], "least_frac": _round(rng.uniform(0.5, 0.9))}
    draft.add("shares", **keys)


def _vendor(draft: Draft) -> Table:
    """Give a resource a vendor, the first where it can be; return a product that can use it."""
    for held in draft.resources:
        held["vendor"] = "one"
        for product in draft.products:
            if any(own["vendor"] for own in _places_of(draft, product).values()):
                return product
        del held["vendor"]
    raise AssertionError("no line draws on any wafer")


def _parted(draft: Draft, product: Table, kind: str, value: str) -> tuple[Table, str] | None:
    """Return a product and a place that has some of its lines, not all: those drawn if they do."""
    for own in [product, *draft.products]:
        places = [line[kind] for line in _places_of(draft, own).values()]
        for name in [value, *sorted(set().union(*places))]:
            if 0 < sum(name in there for there in places) < len(places):
                return own, name
    return None


def _each(draft: Draft, kind: str, most: float, product: Table) -> Table:
    """Return a share of each place that leaves something: that drawn, or a larger one."""
    for own in (draft.products, [product]):
        for each in dict.fromkeys([kind, "line", "route"]):
            need = max(
                least_share([line[each] for line in _places_of(draft, p).values()]) for p in own
            )
            if need < 1:
                wider = need + (1.0 - need) * (0.1 + 2.0 * (most - 0.4))
                most = most if most > need else _round(wider)
                named = {} if len(own) > 1 else {"product": product["name"]}
                return {"each": each, "most_frac": most, **named}
    product.pop("barred_regions", None)
    return _each(draft, kind, most, product)


def _budget_all(draft: Draft, rng: Draw) -> None:
    """Less money than would earn more; a plan of least cost spends the least anyway."""
    if draft.case.get("objective") != "margin":
        _margin(draft, rng)
    for product in draft.products:
        product.pop("shortage_cost_usd", None)
    spend = [sum(p["demand"][t] * KINDS[p["name"]][5] for p in draft.products)
             for t in range(draft.periods)]  # fmt: skip
    keys: Table = {"name": "purse", "of": "all"}
    if rng.random() < 0.5:
        keys["periods"], spend = draft.case["periods"][:1], spend[:1]
    draft.add("budgets", **keys, most_usd=_round(sum(spend) * rng.uniform(0.1, 0.3)))


def _budget_capital(draft: Draft, rng: Draw) -> None:
    if not draft.tables.get("expansions"):
        _lumps(draft, rng)
    dearest = max(lump["cost_usd"] for lump in draft.tables["expansions"])
    draft.add("budgets", name="capital", of="capital", most_usd=dearest * rng.uniform(0.3, 1.2))


def _pooled(draft: Draft, rng: Draw) -> None:
    for product in draft.products:
        product["dppm_pooled"] = True
        product["dppm_limit"] = _round(rng.uniform(500.0, 2000.0))


def _surcharges(draft: Draft, rng: Draw) -> None:
    for held in draft.resources:
        worth = draft.worth(held["name"])
        low, high = sorted(_round(x) for x in rng.uniform(0.2, 0.95, 2))
        cheap, dear = sorted(_round(worth * x) for x in rng.uniform(0.01, 0.8, 2))
        held["surcharges"] = [{"above_frac": low, "usd_per_unit": cheap},
                              {"above_frac": high, "usd_per_unit": dear}]  # fmt: skip
        held["fixed_usd_per_period"] = _round(1000.0 * rng.uniform(0.1, 5.0))


def _discount(draft: Draft, rng: Draw) -> None:
    draft.case["discount_frac_per_year"] = _round(rng.uniform(0.05, 0.4))
    draft.case["period_weeks"] = float(rng.choice([13.0, 26.0, 52.0]))


def _margin(draft: Draft, rng: Draw) -> None:
    draft.case["objective"] = "margin"
    for product in draft.products:
        product["price_usd"] = _round(KINDS[product["name"]][5] * rng.uniform(1.1, 2.0))
        if rng.random() < 0.6:
            product.pop("shortage_cost_usd", None)


def _lines(draft: Draft, rng: Draw) -> None:
    """Second lines elsewhere, with wafers of their own; one product is barred from a region."""
    routes = list(dict.fromkeys(route for product in draft.products for route in product["routes"]))
    for route in rng.permutation(routes)[: int(rng.integers(1, 3))]:
        route, slots = str(route), f"interposer.{route}"
        draft.add("lines", name=f"{route}_home", route=route)
        own = f"{slots}_west"
        sites = [{"name": "amkor_arizona", "region": "USA"}]
        if rng.random() < 0.4:
            sites.append({"name": "tsmc_ap_taiwan", "region": "Taiwan"})
        extra = _round(rng.uniform(5.0, 200.0))
        draft.add("lines", name=f"{route}_west", route=route, sites=sites, resources={slots: own},
                  extra_usd_per_good=extra)  # fmt: skip
        amounts = [_round(rng.uniform(0.1, 0.4) * draft.need(slots, t))
                   for t in range(draft.periods)]  # fmt: skip
        draft.resources.append({"name": own, "source": SOURCE, "capacity": amounts})
    for product in draft.products:
        regions = {ROUTES[route][1] for route in product["routes"]}
        if len(regions) > 1 and rng.random() < 0.5:
            product["barred_regions"] = [str(rng.choice(sorted(regions)))]


def _changes(draft: Draft, rng: Draw) -> None:
    """Defects fall, and a price; in one case in two a second time."""
    at = sorted(rng.permutation(draft.periods)[: int(rng.integers(1, 3))])
    for number, t in enumerate(at):
        density = _round(0.1 * rng.uniform(0.3, 0.9) / (number + 1))
        override = {"processes": {"n5": {"d0_per_cm2": density}}}
        if rng.random() < 0.6:
            price = _round(300.0 * rng.uniform(0.5, 1.2))
            override["parts"] = {"hbm3e_8h": {"price_usd": price}}
        draft.add("changes", begins=draft.case["periods"][int(t)], override=override)


# In the order in which they are applied: lines come before what names them.
RULES: dict[str, Callable[[Draft, Draw], None]] = {
    "lines": _lines, "stock": _stock, "late": _late, "service": _service, "lumps": _lumps,
    "bookings": _bookings, "qualification": _qualification, "lots": _lots,
    "one_programme": _one_programme, "shares": _shares,
    **{f"share_{kind}": lambda draft, rng, kind=kind: _share(draft, rng, kind) for kind in SHARES},
    "budget_all": _budget_all, "budget_capital": _budget_capital, "pooled": _pooled,
    "surcharges": _surcharges, "discount": _discount, "margin": _margin, "changes": _changes,
}  # fmt: skip


# Writing.


def _text(draft: Draft) -> str:
    blocks = ["\n".join(f"{key} = {_value(value)}" for key, value in draft.case.items())]
    blocks += [_block(f"[override.routes.{name}]", keys) for name, keys in draft.override.items()]
    blocks += [_block("[[resources]]", held) for held in draft.resources]
    for kind, rows in draft.tables.items():
        blocks += [_block(f"[[{kind}]]", row) for row in rows]
    for product in draft.products:
        name = product["name"]
        logic, memory, _, substrate, _, _ = KINDS[name]
        slots = (f'[products.slots]\nlogic = {logic}\nmemory = {memory}\n'
                 f'substrate = [{{part = "{substrate}"}}]')  # fmt: skip
        blocks.append(_block("[[products]]", product) + "\n" + slots)
    return "\n\n".join(blocks) + "\n"


def _block(head: str, keys: Table) -> str:
    return "\n".join([head, *(f"{key} = {_value(value)}" for key, value in keys.items())])


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items())
        return "{" + inside + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value)
