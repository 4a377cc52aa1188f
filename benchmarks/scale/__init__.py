"""Thousands of cases scored in one process, in shards and on Ray: how fast, to the same bytes, and is none lost?"""
