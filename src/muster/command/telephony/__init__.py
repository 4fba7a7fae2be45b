"""What a telephone system says of calls, until they are matters."""
