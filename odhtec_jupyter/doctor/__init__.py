"""The doctor: tests a connection step by step, and says in one sentence for each step what to change.

Everything here blocks and runs in threads. What a store replies is shown only bounded and with visible characters.
"""
