"""What staff's answers teach: `feedback` carries them into the judge, `backtest` says what other settings would do."""
