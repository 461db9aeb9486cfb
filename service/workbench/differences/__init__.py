"""How two rulebooks differ: what is compared, in which words it is told, and how each change is graded."""
