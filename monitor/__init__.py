"""The daemon: it joins where posts come from (`connectors`) with how staff are told (`alerts`)."""
