"""Whether a model fits, how long a token takes and what it costs: by hand, at the limits, and with units kept apart."""

import pytest

from utils.errors import CourseError
from utils.measuring.published import published_config
from utils.measuring.serving import Hardware, Serving, hardware, known_hardware, this_machine
from utils.models.costs import sizes_of

A100 = hardware("A100")


@pytest.fixture(scope="module")
def sizes():
    return {name: sizes_of(published_config(name)) for name in ("Llama-3.1-70B", "Llama-3.1-8B", "Llama-3.2-3B")}


def test_one_text_waits_for_the_memory_and_a_large_batch_for_the_processor(sizes):
    serving = Serving(sizes["Llama-3.2-3B"], A100, context=64)
    assert serving.step_seconds(1) == serving.reading_seconds(1) > serving.computing_seconds(1)
    assert serving.step_seconds(2000) == serving.computing_seconds(2000) > serving.reading_seconds(2000)


def test_a_step_by_hand(sizes):
    """8.03 G numbers, of which the embedding is only looked up, at 2 bytes; 128 KiB of cache for a token."""
    serving = Serving(sizes["Llama-3.1-8B"], A100, context=1000)
    read = 2 * (8_030_261_248 - 128_256 * 4096) + 4 * 1000 * 131_072
    assert serving.step_seconds(4) == pytest.approx(read / 2.039e12)
    assert serving.computing_seconds(4) == pytest.approx(4 * (2 * 7_504_658_432 + 4 * 4096 * 32 * 1000) / 312e12)


def test_the_largest_batch_fits_and_one_text_more_does_not(sizes):
    serving = Serving(sizes["Llama-3.1-8B"], A100, context=4096)
    held = serving.weight_bytes + sizes["Llama-3.1-8B"].cache_bytes(serving.largest_batch, 4096)
    assert held <= A100.memory < held + sizes["Llama-3.1-8B"].cache_bytes(1, 4096)
    serving.step_seconds(serving.largest_batch)
    with pytest.raises(CourseError, match=r"16\.1 GB of weights and .* do not fit into the 80 GB of NVIDIA A100"):
        serving.step_seconds(serving.largest_batch + 1)


def test_seventy_billion_need_four_bits_or_two_devices(sizes):
    large = sizes["Llama-3.1-70B"]
    assert Serving(large, A100).largest_batch == 0
    assert Serving(large, A100, bytes_per_parameter=0.5).largest_batch > 0
    assert Serving(large, A100.times(2)).largest_batch > 0


def test_several_devices_are_that_many_times_one():
    two = A100.times(2)
    assert (two.rate, two.bandwidth, two.memory) == (2 * A100.rate, 2 * A100.bandwidth, 2 * A100.memory)
    assert two.price == (2 * A100.price[0], 2 * A100.price[1]) and two.name.startswith("2 x NVIDIA A100")
    assert hardware("L4").times(3).price is None and A100.times(1) is A100


def test_a_million_tokens_cost_what_their_seconds_cost(sizes):
    serving = Serving(sizes["Llama-3.2-3B"], A100, context=512)
    steps = 1e6 / 8
    assert serving.price_of_a_million(8, 3.6) == pytest.approx(steps * serving.step_seconds(8) * 3.6 / 3600)
    assert serving.price_of_a_million(8, 1) < serving.price_of_a_million(1, 1) / 7


def test_the_first_token_waits_for_a_long_prompt_s_arithmetic_and_for_a_short_one_s_weights(sizes):
    serving = Serving(sizes["Llama-3.2-3B"], A100)
    assert serving.first_token_seconds(4000) == pytest.approx(sizes["Llama-3.2-3B"].prompt_flop(4000) / A100.rate)
    assert serving.first_token_seconds(1) == pytest.approx(sizes["Llama-3.2-3B"].read_bytes(2) / A100.bandwidth)


def test_every_figure_of_the_table_is_a_machine_s_and_says_where_it_is_from():
    assert len(known_hardware()) >= 3
    for machine in known_hardware().values():
        assert 1e13 < machine.rate < 1e16 and 1e11 < machine.bandwidth < 1e14 and 1e10 < machine.memory < 1e12
        assert machine.source.startswith("https://") and any(
            year in machine.source for year in map(str, range(2019, 2030))
        )
        assert (machine.price is None) == (not machine.price_source)
        assert machine.price is None or 0 < machine.price[0] <= machine.price[1]


def test_an_unknown_machine_is_refused_with_those_there_are():
    with pytest.raises(CourseError, match=r"no figures of 'B300'\. There are: A100, H100"):
        hardware("B300")


def test_this_machine_is_measured_in_flop_and_bytes_a_second():
    machine = this_machine(8e9)
    assert isinstance(machine, Hardware) and machine.memory == 8e9
    assert 1e8 < machine.rate < 1e16 and 1e8 < machine.bandwidth < 1e14
