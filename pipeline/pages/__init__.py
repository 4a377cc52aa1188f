"""What all HTML pages share: their style, how they write a number or a name, and a policy that lets nothing in."""
