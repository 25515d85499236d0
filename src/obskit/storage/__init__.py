"""Shared homes of what traces and alerts keep outside of this process."""
