"""Honest fakes and a hostile one, shipped as product code: what a company tests its own set-up with."""
