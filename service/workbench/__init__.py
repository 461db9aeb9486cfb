"""The committee's workbench: what a committee does with a rulebook before it is published. It decides nothing."""
