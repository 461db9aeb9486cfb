"""The shadow: a second rulebook that decides every referral too. Its answers are compared and counted, and shown to nobody.

It works in a process of its own beside each worker, of lower priority: whatever becomes of it, the answer has left.
"""
