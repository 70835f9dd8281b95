"""Placement chooses what fits, says why, and says the same thing every time."""

from hypothesis import given
from hypothesis import strategies as st

from clustergenie.placement import Offer, Wish, choose, rank

providers = st.sampled_from(("local", "simulated", "cloud"))
regions = st.sampled_from(("nyc1", "fra1", "sgp1"))
sizes = st.sampled_from(("small", "large"))
images = st.sampled_from(("ubuntu", "debian"))

offers = st.lists(
    st.builds(
        Offer,
        provider=providers,
        region=regions,
        size=sizes,
        hourly_usd_micros=st.integers(0, 100_000),
        memory_mb=st.integers(512, 8192),
        available=st.booleans(),
        any_region=st.booleans(),
        any_image=st.booleans(),
        images=st.lists(images, max_size=2, unique=True).map(tuple),
        in_use=st.integers(0, 1000),
    ),
    unique_by=lambda offer: (offer.provider, offer.region, offer.size),
    max_size=8,
)
wishes = st.builds(
    Wish,
    provider=st.none() | providers,
    region=st.none() | regions | st.just("mars"),
    size=st.none() | sizes,
    image=st.none() | images,
    default_provider=st.none() | providers,
)


@given(wishes, offers)
def test_what_is_chosen_fits_the_wish(wish: Wish, there: list[Offer]) -> None:
    best = choose(wish, there)
    if best is None:
        assert all(one.rejected_because for one in rank(wish, there))
        return
    assert best.rejected_because is None
    assert wish.provider in (None, best.provider)
    assert wish.region in (None, best.region)
    assert wish.size in (None, best.size)
    sources = [one for one in there if (one.provider, one.size) == (best.provider, best.size) and one.available]
    assert any(one.any_region or one.region == best.region for one in sources)
    assert wish.image is None or any(one.any_image or wish.image in one.images for one in sources)


@given(wishes, offers)
def test_every_offer_is_ranked_once_with_its_reasons(wish: Wish, there: list[Offer]) -> None:
    ranked = rank(wish, there)
    assert len(ranked) == len(there)
    assert all(one.why for one in ranked)
    assert all(one.rejected_because != "" for one in ranked)


@given(wishes, offers)
def test_those_that_fit_come_first_and_better_ones_before_worse(wish: Wish, there: list[Offer]) -> None:
    ranked = rank(wish, there)
    fits = [one.rejected_because is None for one in ranked]
    assert fits == sorted(fits, reverse=True)
    scores = [one.score for one in ranked if one.rejected_because is None]
    assert scores == sorted(scores, reverse=True)


@given(wishes, offers, st.randoms())
def test_the_same_offers_in_any_order_are_ranked_the_same(wish: Wish, there: list[Offer], chance: object) -> None:
    shuffled = list(there)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank(wish, there) == rank(wish, shuffled)


@given(wishes, offers)
def test_the_score_is_the_sum_of_the_points_it_names(wish: Wish, there: list[Offer]) -> None:
    for one in rank(wish, there):
        points = [float(part.rpartition("(+")[2].rstrip(")")) for part in one.why.split("; ")]
        assert abs(sum(points) - one.score) <= 0.05 * len(points) + 0.01


@given(offers)
def test_an_offer_that_got_dearer_is_not_liked_better(there: list[Offer]) -> None:
    wish = Wish()
    for candidate in rank(wish, there):
        cheaper = [one for one in there if one.hourly_usd_micros < candidate.hourly_usd_micros]
        for other in rank(wish, there):
            same_load = {one.in_use for one in there if one.provider in (candidate.provider, other.provider)}
            if len(same_load) == 1 and any(
                (one.provider, one.region, one.size) == (other.provider, other.region, other.size) for one in cheaper
            ):
                assert other.score >= candidate.score
