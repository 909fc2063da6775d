"""The language front end: MILEAGE text to trees and back."""
