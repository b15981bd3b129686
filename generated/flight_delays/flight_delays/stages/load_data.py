"""Stage load_data, from cells 7 and 8 of the notebook."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class LoadDataOutputs:
    """What the stage load_data hands on."""

    flights: pd.DataFrame
    planes: pd.DataFrame
    weather: pd.DataFrame


def load_data(*, flights_path: str, weather_path: str, planes_path: str) -> LoadDataOutputs:
    """Load the tables.

    Flights as the Bureau of Transportation Statistics publishes them, hourly weather at the
    three airports, and the register of planes.
    """
    flights = pd.read_csv(flights_path)
    weather = pd.read_csv(weather_path)
    planes = pd.read_csv(planes_path)
    print(f"{len(flights):,} flights, {len(weather):,} hours of weather, {len(planes):,} planes")
    return LoadDataOutputs(flights=flights, planes=planes, weather=weather)
