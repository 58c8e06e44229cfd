"""Local servers that speak brokers' wire protocols on top of quant.matching, with faults to switch on."""
