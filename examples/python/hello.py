"""The smallest use of tactful: one event, one decision."""

import tactful

PLAYBOOK = """
playbook: shop
version: 1
identity: {customer: {}}
events: {purchase: {amount: money(EUR)}}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  thanks:
    eligible: events("purchase").within("90d").sum("amount") >= 10
    treatments: {web: {message: Thank you.}}
"""

engine = tactful.Engine.compile({"shop.yaml": PLAYBOOK})
ada = engine.customer("customer:ada")
time = "2010-03-01T10:00:00Z"
engine.record(ada, tactful.Event("purchase", time, "customer:ada", properties={"amount": "12.50"}))

decision = engine.explain(ada, "home", time)
for offer in decision.placements[0].offers:
    print(offer.message)
print(decision.trace, end="")
