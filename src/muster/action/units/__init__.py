"""警力单元: the register of units and who crews them now."""
