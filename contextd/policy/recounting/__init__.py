"""What a conversation leaves for the account's next one: a recap, and facts to confirm."""
