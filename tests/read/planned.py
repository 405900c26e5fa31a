"""A small case with every planning key, for tests that spoil it."""

from __future__ import annotations

PLANNED = """\
name = "plan"
periods = ["q1", "q2", "q3"]
period_weeks = 13.0
discount_frac_per_year = 0.1
objective = "margin"
insertions = ["wafer_sort", "final_test", "system_level"]

[[resources]]
name = "interposer.cowos_s"
source = "assumed: a test"
capacity = [100, 150, 200]
vendor = "tsmc"
site = "tsmc_ap_taiwan"
region = "Taiwan"
fixed_usd_per_period = {base = 1000.0, source = "assumed: rent"}
surcharges = [{above_frac = 0.8, usd_per_unit = 50.0}, {above_frac = 0.9, usd_per_unit = 90.0}]

[[resources]]
name = "interposer.arizona"  # a line's
source = "assumed: a test"
capacity = 80
vendor = "tsmc"

[[lines]]
name = "cowos_s_taiwan"
route = "cowos_s"
source = "assumed: a test"

[[lines]]
name = "cowos_s_arizona"
route = "cowos_s"
sites = [{name = "arizona", region = "North America"}]
resources = {"interposer.cowos_s" = "interposer.arizona"}
extra_usd_per_good = 12.5
source = "assumed: a test"

[[expansions]]
name = "shell"
resource = "interposer.arizona"
amount_per_period = 40
cost_usd = 5e6
running_usd_per_period = 1e5
lead_time_periods = 1
most = 2
source = "assumed: a test"

[[reservations]]
name = "booked"
resource = "interposer.cowos_s"
capacity = [0, 50, 50]
prepayment_usd_per_unit = 100.0
take_or_pay_frac = 0.6
usd_per_unit_not_taken = 500.0
committed = true
source = "assumed: a test"

[[shares]]
name = "second_region"
product = "asic"
region = "North America"
least_frac = 0.1
most_frac = 0.5
per = "period"
source = "assumed: a test"

[[shares]]
name = "dual"
each = "line"
most_frac = 0.9
source = "assumed: a test"

[[shares]]
name = "one_vendor"
vendor = "tsmc"
most_frac = 0.95
source = "assumed: a test"

[[budgets]]
name = "capex"
of = "capital"
most_usd = 2e7
periods = ["q1", "q2"]
source = "assumed: a test"

[[budgets]]
name = "spend"
of = "all"
most_usd = 1e9
source = "assumed: a test"

[[changes]]
begins = "q2"
source = "assumed: learning"
[changes.override.processes.n5]
d0_per_cm2 = 0.08

[[changes]]
begins = "q3"
source = "assumed: learning"
[changes.override.processes.n5]
d0_per_cm2 = 0.06
[changes.override.parts.hbm3e_8h]
price_usd = 200.0

[[products]]
name = "asic"
routes = ["cowos_s", "osat_2p5d"]
interposer_mm = [32.0, 44.0]
substrate_mm = [60.0, 60.0]
dppm_limit = 1000.0
dppm_pooled = true
demand = [1000, 2000, 3000]
price_usd = 9000.0
shortage_cost_usd = {base = 100.0, source = "assumed: a fine"}
holding_usd_per_period = 20.0
stock_start_packages = 50
stock_most_packages = 500
late_usd_per_period = 40.0
service_frac = 0.9
qualified = ["cowos_s_taiwan"]
present_route = "cowos_s"
least_lot_packages = 100
one_programme = true
barred_regions = ["mainland China"]
[products.slots]
logic = [{part = "tpu_die"}]
memory = [{part = "hbm3e_8h", count = 4}]
substrate = [{part = "abf_68"}]
"""
