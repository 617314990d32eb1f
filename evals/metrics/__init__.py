"""From rows and grades to the summary of a run: `summarising.summarise`."""
