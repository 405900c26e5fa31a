"""A company's plan: products, lines, test plans and periods under scarce capacity.

``setting`` says what there is to decide; each file of ``rules`` adds the rows and the columns of
one concept to a ``sheet``; ``generation`` finds the recipes that the linear programme wants, by
exact pricing; ``branching`` makes whole what must be whole; ``outcome`` reads the plan.
"""
