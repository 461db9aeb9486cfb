"""Decision tables: a technique's criteria as a spreadsheet, there and back, and as DMN."""
