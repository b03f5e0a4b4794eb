"""Do explanations of movements hold: where they point, what they name, what they depend on?"""
