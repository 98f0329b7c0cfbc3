"""An empty portal is set up by pages alone, as an administrator does it in a browser; what is clicked is counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

ENGLISH = """The Lighthouse Agreement

Read this before you sail.

1. Words

1.1 The lamp

The lamp is what shines.

2. Promises

The lamp shines all night. For each dark minute, {{compensated_minutes_per_minute}} are given back.
"""
CHINESE = """灯塔协议

出航前请阅读。

1. 术语

1.1 灯

灯会发光。

2. 承诺

灯整夜发光。每个黑暗的分钟，补偿{{compensated_minutes_per_minute}}。
"""
CUSTOMERS = "customer_code,name,region,contact_email,contract_reference,first_service_day,last_service_day,monthly_charge,currency\n"
PEOPLE = {"lena": ("Legal", "Support"), "ravi": ("Legal", "Support")}


class Clicks:
    """A page of a browser whose clicks are counted."""

    def __init__(self, page: Any, of: Clicks | None = None) -> None:
        """Count by itself, or with `of`."""
        self.page, self.counted = page, of.counted if of else [0]

    @property
    def count(self) -> int:
        return self.counted[0]

    def click(self, selector: str) -> None:
        self.counted[0] += 1
        self.page.locator(selector).first.click()

    def link(self, name: str | re.Pattern[str]) -> None:
        self.counted[0] += 1
        self.page.locator("main").get_by_role("link", name=name, exact=True).first.click()

    def button(self, name: str) -> None:
        self.counted[0] += 1
        self.page.locator("main").get_by_role("button", name=name, exact=True).first.click()

    def step(self, name: str) -> None:
        """Go to the page of a step from the list of steps, which is on the home page."""
        if not self.page.url.endswith("/admin/"):
            self.click(".masthead a.brand")
        self.link(name)

    def fill(self, **typed: str) -> None:
        """Type into fields by their names."""
        for name, text in typed.items():
            self.page.locator(f"main [name={name}]").fill(text)


def set_up(page: Any, deliver: Callable[[], object], customers: str, year: str) -> Clicks:
    """Take every step from an empty portal to one that is open; return the clicks without those of the import."""
    clicks = Clicks(page)
    page.goto("/admin/")
    for login, roles in PEOPLE.items():
        clicks.step("People")
        # The step leads to the form while a role is empty, and then to the list.
        if login == "ravi":
            clicks.click("a[href$='/user/add/']")
        clicks.fill(username=login, first_name=login.title(), email=f"{login}@example.com")
        for role in roles:
            clicks.click(f"main label:has-text('{role}') input[type=checkbox]")
        clicks.click("[name=_save]")
    clicks.step("Operator")
    clicks.fill(name="Lighthouse Ltd", name_zh="灯塔公司")
    clicks.button("Save")
    clicks.step("Regions")
    clicks.fill(code="eu", name="Europe", name_zh="欧洲", first_service_day="2026-01-01")
    clicks.click("[name=_save]")
    clicks.step("Agreement")
    clicks.fill(effective_on="2026-01-01", english=ENGLISH, chinese=CHINESE)
    clicks.button("Save")
    clicks.step("Calendar and time zone")
    clicks.fill(year=year, source="The official calendar")
    clicks.click("[name=_save]")
    clicks.step("E-mail")
    clicks.button("Send test e-mail")
    deliver()
    import_customers(page, customers)
    clicks.step("Opening to the public")
    clicks.button("Open to the public")
    return clicks


def import_customers(page: Any, rows: str) -> None:
    page.goto("/admin/setup/customers/")
    page.locator("[name=table]").fill(CUSTOMERS + rows)
    page.get_by_role("button", name="Check the rows").click()
    page.locator("button[value=all]").click()
