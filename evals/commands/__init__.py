"""The commands of `evals`, a module each; they import what they run when they run."""
