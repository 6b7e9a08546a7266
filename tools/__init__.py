"""What workflows may do: tools, the ledger of their calls, and who may use them."""
