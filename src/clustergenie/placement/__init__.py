"""Choose where a droplet goes, and say why not elsewhere."""

from clustergenie.placement.plan import Candidate, Offer, Wish, choose, rank

__all__ = ["Candidate", "Offer", "Wish", "choose", "rank"]
