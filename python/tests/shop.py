"""A small playbook that has one of everything, and events for it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import tactful

UTC = timezone.utc
START = datetime(2026, 3, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)

PLAYBOOK = """
playbook: shop
version: 3
title: Corner shop
time_zone: Europe/Berlin
identity:
  customer: {}
  cookie: {anonymous: true}
purposes:
  marketing: {title: Advertising, default: opt_out}
attributes:
  age: {type: int, title: Age in years}
events:
  visit: {}
  purchase:
    properties:
      {amount: money(EUR), sku: string, quantity: int, weight: double, gift: bool, paid: timestamp, wait: duration, tags: list(string)}
request:
  basket: money(EUR)
  device: enum(phone, desktop)
segments:
  buyer: {title: Buyer, when: 'events("purchase").within("90d").count() >= 1'}
  adult: {when: customer.age >= 18}
personas:
  thrifty: {title: Thrifty, prior: 0.3, evidence: [{when: 'events("purchase").avg("amount") < 20', odds: 4}]}
journeys:
  lifecycle:
    title: Life cycle
    stages:
      awareness: {no_data: nobody watches}
      purchase: {title: First order, goal: an order, on: [purchase], from: [none]}
      lost: {drop_out: true, enter: 'events("purchase").since_last().days() >= 90', from: [purchase]}
channels: {web: html, email: text}
placements:
  home: {title: Home page, channel: web, slots: 2, fallback: {message: Welcome}}
  letter: {channel: email}
offers:
  thanks:
    title: Thank you
    purposes: [marketing]
    eligible: segment("buyer")
    value: 2
    treatments: {web: {message: Thank you for your order.}, email: {message: Thanks!}}
  bundle:
    applicable: request.basket >= 30
    value: 5
    priority: 3
    placements: [home]
    treatments: {web: {message: 'Three for two below {{ basket }}.', with: {basket: request.basket}}}
contact:
  - {name: not_twice, count: shown, scope: offer, at_most: 1, per: rolling 7d}
  - {name: no_means_no, after: rejected, scope: offer, pause: 30d}
"""


def engine() -> tactful.Engine:
    return tactful.Engine.compile({"shop.yaml": PLAYBOOK})


def purchase(customer: str = "customer:1", time: datetime = START, *, amount: object = "12.50", id: str | None = None) -> tactful.Event:
    return tactful.Event("purchase", time, customer, id=id, properties={"amount": amount})  # type: ignore[dict-item]
