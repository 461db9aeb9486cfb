"""The committee's workbench: a rule file is read, changed as a draft, checked and tried out. Nothing is written."""
