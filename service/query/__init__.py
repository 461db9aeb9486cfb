"""The query reading: the rules as SQL, through Ibis, over the facts of many patients at once."""
